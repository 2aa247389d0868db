from={{ smtp.from }}
to={{ smtp.to }}

curl --url '{{ smtp.scheme }}://{{ smtp.authority }}' --ssl-reqd{% if smtp.own_certificate %} --cacert gatepost.pem{% endif %} --crlf \
  --user '{{ smtp.username }}:{{ smtp.password }}' \
  --mail-from "$from" --mail-rcpt "$to" --upload-file - <<EOF
From: $from
To: $to
Date: $(LC_ALL=C date '+%a, %d %b %Y %H:%M:%S %z')
Subject: Hello

Sent through Gatepost.
EOF
