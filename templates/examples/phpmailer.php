<?php
// composer require phpmailer/phpmailer
use PHPMailer\PHPMailer\PHPMailer;

require 'vendor/autoload.php';

$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->Host = '{{ smtp.host }}';
$mail->Port = {{ smtp.port }};
$mail->SMTPSecure = PHPMailer::{% if smtp.starttls %}ENCRYPTION_STARTTLS{% else %}ENCRYPTION_SMTPS{% endif %};
$mail->SMTPAuth = true;
$mail->Username = '{{ smtp.username }}';
$mail->Password = '{{ smtp.password }}';

$mail->CharSet = PHPMailer::CHARSET_UTF8;
$mail->setFrom('{{ smtp.from }}');
$mail->addAddress('{{ smtp.to }}');
$mail->Subject = 'Hello';
$mail->Body = 'Sent through Gatepost.';
$mail->send();
