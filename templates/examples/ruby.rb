# gem install mail
require "mail"

Mail.defaults do
  delivery_method :smtp,
    address: "{{ smtp.host }}", port: {{ smtp.port }}, {% if smtp.starttls %}enable_starttls{% else %}tls{% endif %}: true,
    user_name: "{{ smtp.username }}", password: "{{ smtp.password }}", authentication: :plain
end

Mail.deliver do
  from "{{ smtp.from }}"
  to "{{ smtp.to }}"
  subject "Hello"
  body "Sent through Gatepost."
end
