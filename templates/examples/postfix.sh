# As root. On Debian: apt install libsasl2-modules
cd "$(postconf -h config_directory)" || exit
(umask 077; echo '[{{ smtp.host }}]:{{ smtp.port }} {{ smtp.username }}:{{ smtp.password }}' > sasl_passwd)
postconf \
  'relayhost = [{{ smtp.host }}]:{{ smtp.port }}' \
  'smtp_sasl_auth_enable = yes' \
  'smtp_sasl_password_maps = texthash:$config_directory/sasl_passwd' \
  'smtp_sasl_tls_security_options = noanonymous' \
  'smtp_tls_security_level = secure' \
{%- if smtp.own_certificate %}
  'smtp_tls_CAfile = $config_directory/gatepost.pem' \
{%- else %}
  'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' \
{%- endif %}
  'smtp_tls_wrappermode = {% if smtp.starttls %}no{% else %}yes{% endif %}'
postfix reload
