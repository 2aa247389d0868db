package main

import (
{%- if !smtp.starttls %}
	"crypto/tls"
{%- endif %}
	"log"
	"net/smtp"
	"time"
)

const (
	from = "{{ smtp.from }}"
	to   = "{{ smtp.to }}"
)

func main() {
	message := "From: " + from + "\r\nTo: " + to + "\r\nDate: " + time.Now().Format(time.RFC1123Z) +
		"\r\nSubject: Hello\r\n\r\nSent through Gatepost.\r\n"
{%- if smtp.starttls %}
	// SendMail sends STARTTLS; PlainAuth keeps the password to itself on a connection without TLS.
	auth := smtp.PlainAuth("", "{{ smtp.username }}", "{{ smtp.password }}", "{{ smtp.host }}")
	if err := smtp.SendMail("{{ smtp.authority }}", auth, from, []string{to}, []byte(message)); err != nil {
		log.Fatal(err)
	}
}
{%- else %}
	if err := send([]byte(message)); err != nil {
		log.Fatal(err)
	}
}

func send(message []byte) error {
	connection, err := tls.Dial("tcp", "{{ smtp.authority }}", nil)
	if err != nil {
		return err
	}
	client, err := smtp.NewClient(connection, "{{ smtp.host }}")
	if err != nil {
		return err
	}
	defer client.Close()
	auth := smtp.PlainAuth("", "{{ smtp.username }}", "{{ smtp.password }}", "{{ smtp.host }}")
	if err := client.Auth(auth); err != nil {
		return err
	}
	if err := client.Mail(from); err != nil {
		return err
	}
	if err := client.Rcpt(to); err != nil {
		return err
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := body.Write(message); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	return client.Quit()
}
{%- endif %}
