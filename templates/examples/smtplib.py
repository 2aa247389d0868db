import smtplib
import ssl
from email.message import EmailMessage
from email.utils import localtime, make_msgid

message = EmailMessage()
message["From"] = "{{ smtp.from }}"
message["To"] = "{{ smtp.to }}"
message["Date"] = localtime()
message["Message-ID"] = make_msgid()
message["Subject"] = "Hello"
message.set_content("Sent through Gatepost.")

context = ssl.create_default_context()
{%- if smtp.starttls %}
with smtplib.SMTP("{{ smtp.host }}", {{ smtp.port }}, timeout=30) as server:
    server.starttls(context=context)
{%- else %}
with smtplib.SMTP_SSL("{{ smtp.host }}", {{ smtp.port }}, timeout=30, context=context) as server:
{%- endif %}
    server.login("{{ smtp.username }}", "{{ smtp.password }}")
    server.send_message(message)
