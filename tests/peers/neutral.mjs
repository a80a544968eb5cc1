// Events between the tests and the SDK: a form that has nothing of CloudEvents' own formats.
//
// {"attributes": {name: value}, "json" | "text" | "base64": data}; `time` has milliseconds and ends in Z.

import { CloudEvent } from "cloudevents";

export function toSdk({ attributes, json, text, base64 }) {
  const data = base64 === undefined ? (json ?? text) : Uint8Array.from(Buffer.from(base64, "base64"));
  return new CloudEvent({ ...attributes, data });
}

export function fromSdk(event) {
  const { data, data_base64: base64, ...attributes } = event;
  // The SDK does so itself, but not in batches.
  if (attributes.time) attributes.time = new Date(attributes.time).toISOString();
  // What is not set is a member of value undefined, and goes with the writing of JSON.
  if (base64 !== undefined) return { attributes, base64 };
  if (typeof data === "string") return { attributes, text: data };
  return { attributes, json: data };
}

export async function stdin() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}
