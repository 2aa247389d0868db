# The smallest application around config/environments/production.rb.
require "rails"
require "action_mailer/railtie"

class Shop < Rails::Application
  config.root = __dir__
  config.eager_load = false
  config.logger = Logger.new(nil)
end
Rails.application.initialize!

class Greeting < ActionMailer::Base
  def hello
    mail(to: "someone@example.com", subject: "Hello", body: "Sent through Gatepost.", content_type: "text/plain")
  end
end
Greeting.hello.deliver_now
