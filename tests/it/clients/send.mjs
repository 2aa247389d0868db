import { readFileSync } from "node:fs";
import nodemailer from "nodemailer";

const { PORT, USERNAME, PASSWORD, SENDER, RECIPIENTS } = process.env;
const transport = nodemailer.createTransport({
  host: "localhost", port: Number(PORT), requireTLS: true, auth: { user: USERNAME, pass: PASSWORD },
});
const envelope = { from: SENDER, to: RECIPIENTS.split(" "), use8BitMime: true };
const { rejected } = await transport.sendMail({ envelope, raw: readFileSync("letter.eml") });
if (rejected.length) throw new Error(`refused: ${rejected}`);
