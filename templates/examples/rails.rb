# config/environments/production.rb
Rails.application.configure do
  config.action_mailer.delivery_method = :smtp
  config.action_mailer.raise_delivery_errors = true
  config.action_mailer.default_options = { from: "{{ smtp.from }}" }
  config.action_mailer.smtp_settings = {
    address: "{{ smtp.host }}",
    port: {{ smtp.port }},
    user_name: "{{ smtp.username }}",
    password: "{{ smtp.password }}",
    authentication: :plain,
    {% if smtp.starttls %}enable_starttls{% else %}tls{% endif %}: true,
    open_timeout: 10,
    read_timeout: 30
  }
end
