# apt install swaks
swaks --server {{ smtp.host }} --port {{ smtp.port }} {% if smtp.starttls %}--tls{% else %}--tls-on-connect{% endif %} --tls-verify{% if smtp.own_certificate %} --tls-ca-path gatepost.pem{% endif %} \
  --auth PLAIN --auth-user {{ smtp.username }} --auth-password {{ smtp.password }} \
  --from {{ smtp.from }} --to {{ smtp.to }} \
  --header 'Subject: Hello' --body 'Sent through Gatepost.'
