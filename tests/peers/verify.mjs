// Verifies recorded requests with the reference library of Standard Webhooks: verify.mjs SECRET
//
// Reads a list of {"headers": {}, "body": base64} from stdin, prints a list of true and false.

import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { stdin } from "./neutral.mjs";

function isGenuine({ headers, body }) {
  try {
    new Webhook(process.argv[2]).verify(Buffer.from(body, "base64").toString(), headers);
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
  return true;
}

process.stdout.write(JSON.stringify((await stdin()).map(isGenuine)));
