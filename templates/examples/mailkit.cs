// Program.cs; dotnet add package MailKit
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

var message = new MimeMessage();
message.From.Add(MailboxAddress.Parse("{{ smtp.from }}"));
message.To.Add(MailboxAddress.Parse("{{ smtp.to }}"));
message.Subject = "Hello";
message.Body = new TextPart("plain") { Text = "Sent through Gatepost." };

using var client = new SmtpClient();
await client.ConnectAsync("{{ smtp.host }}", {{ smtp.port }}, SecureSocketOptions.{% if smtp.starttls %}StartTls{% else %}SslOnConnect{% endif %});
await client.AuthenticateAsync("{{ smtp.username }}", "{{ smtp.password }}");
await client.SendAsync(message);
await client.DisconnectAsync(true);
