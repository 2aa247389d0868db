// cargo add lettre
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Message, SmtpTransport, Transport};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let message = Message::builder()
        .from("{{ smtp.from }}".parse()?)
        .to("{{ smtp.to }}".parse()?)
        .subject("Hello")
        .body("Sent through Gatepost.".to_owned())?;

    let mailer = SmtpTransport::{% if smtp.starttls %}starttls_relay{% else %}relay{% endif %}("{{ smtp.host }}")?
        .port({{ smtp.port }})
        .credentials(Credentials::new(
            "{{ smtp.username }}".to_owned(),
            "{{ smtp.password }}".to_owned(),
        ))
        .build();
    mailer.send(&message)?;
    Ok(())
}
