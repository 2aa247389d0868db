// SendMail.java; Maven: org.eclipse.angus:angus-mail
import jakarta.mail.Message;
import jakarta.mail.MessagingException;
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.util.Date;
import java.util.Properties;

public class SendMail {
    public static void main(String[] args) throws MessagingException {
        Properties properties = new Properties();
        properties.put("mail.smtp.host", "{{ smtp.host }}");
        properties.put("mail.smtp.port", "{{ smtp.port }}");
        properties.put("mail.smtp.auth", "true");
{%- if smtp.starttls %}
        properties.put("mail.smtp.starttls.enable", "true");
        properties.put("mail.smtp.starttls.required", "true");
{%- else %}
        properties.put("mail.smtp.ssl.enable", "true");
{%- endif %}
        properties.put("mail.smtp.ssl.checkserveridentity", "true");
        properties.put("mail.smtp.connectiontimeout", "10000");
        properties.put("mail.smtp.timeout", "30000");

        MimeMessage message = new MimeMessage(Session.getInstance(properties));
        message.setFrom(new InternetAddress("{{ smtp.from }}"));
        message.setRecipient(Message.RecipientType.TO, new InternetAddress("{{ smtp.to }}"));
        message.setSentDate(new Date());
        message.setSubject("Hello");
        message.setText("Sent through Gatepost.");
        Transport.send(message, "{{ smtp.username }}", "{{ smtp.password }}");
    }
}
