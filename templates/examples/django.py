# settings.py; then: python manage.py sendtestemail {{ smtp.to }}
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = "{{ smtp.host }}"
EMAIL_PORT = {{ smtp.port }}
{%- if smtp.starttls %}
EMAIL_USE_TLS = True
{%- else %}
EMAIL_USE_SSL = True
{%- endif %}
EMAIL_HOST_USER = "{{ smtp.username }}"
EMAIL_HOST_PASSWORD = "{{ smtp.password }}"
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = "{{ smtp.from }}"
SERVER_EMAIL = DEFAULT_FROM_EMAIL
