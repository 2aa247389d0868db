// npm install standardwebhooks
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.env.WEBHOOK_SECRET);

const receiver = createServer(async (request, response) => {
  try {
    const event = webhook.verify(await text(request), request.headers);
    console.log(event.type, event.data.id);
    response.writeHead(204).end();
  } catch {
    response.writeHead(401).end();
  }
});

receiver.listen(8000, "127.0.0.1");
