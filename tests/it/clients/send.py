import os
import smtplib
import ssl

given = os.environ
with open("letter.eml", "rb") as file:
    letter = file.read()
with smtplib.SMTP("localhost", int(given["PORT"])) as smtp:
    smtp.starttls(context=ssl.create_default_context())
    smtp.login(given["USERNAME"], given["PASSWORD"])
    for number in range(int(given["TIMES"])):
        options = given["OPTIONS"].split()
        content = letter.replace(b"{number}", str(number).encode())
        refused = smtp.sendmail(given["SENDER"], given["RECIPIENTS"].split(), content, mail_options=options)
        assert not refused, refused
