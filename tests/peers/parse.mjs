// Parses recorded requests with the JavaScript SDK.
//
// Reads a list of {"headers": {}, "body": base64} from stdin, prints the neutral events.

import { HTTP } from "cloudevents";
import { fromSdk, stdin } from "./neutral.mjs";

// The SDK wants bodies as web frameworks give them: text as a string, anything else as bytes.
function message({ headers, body }) {
  const bytes = Buffer.from(body, "base64");
  const isText = /^text\/|json/.test(headers["content-type"] ?? "");
  return { headers, body: isText ? bytes.toString() : bytes };
}

// A batch is several events.
const events = (await stdin()).flatMap((request) => HTTP.toEvent(message(request)));
process.stdout.write(JSON.stringify(events.map(fromSdk)));
