// Reads AsyncAPI documents with the parser of the AsyncAPI Initiative.
//
// Reads a list of documents from stdin, prints for each the list of what the parser says about it:
// {"severity", "code", "message", "path"}. A severity of 0 is an error.

import { Parser } from "@asyncapi/parser";
import { stdin } from "./neutral.mjs";

const parser = new Parser();

async function diagnostics(document) {
  const parsed = await parser.parse(JSON.stringify(document));
  return parsed.diagnostics.map(({ severity, code, message, path }) => ({ severity, code, message, path }));
}

const said = [];
for (const document of await stdin()) said.push(await diagnostics(document));
process.stdout.write(JSON.stringify(said));
