// npm install nodemailer
import nodemailer from "nodemailer";

const transport = nodemailer.createTransport({
  host: "{{ smtp.host }}",
  port: {{ smtp.port }},
{%- if smtp.starttls %}
  secure: false, // begins in clear,
  requireTLS: true, // and goes no further without STARTTLS
{%- else %}
  secure: true, // TLS from the first byte
{%- endif %}
  auth: { user: "{{ smtp.username }}", pass: "{{ smtp.password }}" },
});

await transport.sendMail({
  from: "{{ smtp.from }}",
  to: "{{ smtp.to }}",
  subject: "Hello",
  text: "Sent through Gatepost.",
});
