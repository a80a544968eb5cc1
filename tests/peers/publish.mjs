// Publishes events with the JavaScript SDK: publish.mjs URL binary|structured|batch
//
// Reads a list of neutral events from stdin, prints the answers as a JSON list. What the SDK
// refuses to send is answered with {"refused": code}.

import { CONSTANTS, Mode, emitterFor, httpTransport } from "cloudevents";
import { stdin, toSdk } from "./neutral.mjs";

const [url, mode] = process.argv.slice(2);
const events = (await stdin()).map(toSdk);
const answers = [];
if (mode === Mode.BATCH) {
  // The SDK reads batches but has no call to send one; this is its transport with its JSON.
  const message = { headers: { "content-type": CONSTANTS.MIME_CE_BATCH }, body: JSON.stringify(events) };
  answers.push(JSON.parse((await httpTransport(url)(message)).body));
} else {
  const emit = emitterFor(httpTransport(url), { mode });
  for (const event of events) {
    const answer = emit(event).then(({ body }) => JSON.parse(body), ({ code }) => ({ refused: code }));
    answers.push(await answer);
  }
}
process.stdout.write(JSON.stringify(answers));
