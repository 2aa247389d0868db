<?php
// Makes of .env what Laravel's mailer makes of it, and sends.
require '/usr/share/php/Symfony/Component/Mailer/autoload.php';

use Symfony\Component\Mailer\Mailer;
use Symfony\Component\Mailer\Transport\Dsn;
use Symfony\Component\Mailer\Transport\Smtp\EsmtpTransportFactory;
use Symfony\Component\Mime\Email;

preg_match_all('/^(\w+)="?(.*?)"?$/m', file_get_contents('.env'), $lines);
$env = array_combine($lines[1], $lines[2]);
if ($env['MAIL_MAILER'] !== 'smtp') {
    exit("MAIL_MAILER chooses another mailer\n");
}
$url = parse_url($env['MAIL_URL']);
parse_str($url['query'] ?? '', $options);
$dsn = new Dsn($env['MAIL_SCHEME'], $url['host'], $url['user'], $url['pass'], $url['port'], $options);
(new Mailer((new EsmtpTransportFactory())->create($dsn)))->send(
    (new Email())->from($env['MAIL_FROM_ADDRESS'])->to('someone@example.com')->subject('Hello')->text('Hello.')
);
