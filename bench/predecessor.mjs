// (c) What the predecessor did to one record: base64, JSON.parse, unmarshall, validate, enrich, JSON.stringify, base64.
//
//   node predecessor.mjs schemas.json batch.txt
//
// schemas.json holds the Avro schemas of the images by record type, batch.txt one change record in base64 a line. After
// its warm-up it runs the batch once for every line on standard input, so that rounds can be interleaved with others',
// and answers with a line such as {"ns_per_record": 21345.2, "failed": 0}.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import avsc from "avsc";

const WARM_UP_MS = 1500; // V8 has optimised all of it well before: the rounds after 300 ms are all alike
const REDACTED = ["phoneNumber", "email", "messageBody"];

const [schemasFile, batchFile] = process.argv.slice(2);
const schemas = JSON.parse(readFileSync(schemasFile, "utf8"));
const types = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, avsc.Type.forSchema(schema)]));
const batch = readFileSync(batchFile, "utf8").trimEnd().split("\n");

function transform(data) {
  const change = JSON.parse(Buffer.from(data, "base64").toString("utf8"));
  const deleted = change.eventName === "REMOVE";
  const image = unmarshall(deleted ? change.dynamodb.OldImage : change.dynamodb.NewImage);
  if (image.saleTypes instanceof Set) image.saleTypes = [...image.saleTypes];
  if (!types[image.type].isValid(image)) throw new Error("invalid");
  const row = enrich(image, new Date(changeMillis(change.dynamodb)).toISOString(), deleted);
  return Buffer.from(JSON.stringify(row) + "\n", "utf8").toString("base64");
}

function changeMillis(dynamodb) {
  const time = dynamodb.ApproximateCreationDateTime;
  return time >= 1e14 ? Math.floor(time / 1000) : time;
}

function enrich(row, changed, deleted) {
  row.isDeleted = deleted;
  if (deleted) {
    row.date = { ...row.date, deleted: changed };
    for (const name of REDACTED) if (row[name] != null) row[name] = "[redacted]";
  }
  const system = row.systemUserId?.match(/(\w+)-(\w+)\.(.+)/);
  if (system) row.system = { id: system[1], databaseId: system[2], memberId: system[3] };
  row.reference = { id: referenceId(row), timestamp: referenceTimestamp(row) ?? changed };
  return row;
}

function referenceId(row) {
  if (row.type === "event") return row.id;
  return row.type === "sale" ? `${row.eventId}_${row.id}` : `${row.eventId}_${row.saleId}_${row.fanId}`;
}

function referenceTimestamp({ date, saleStartDateTime }) {
  return date?.deleted ?? date?.notified ?? date?.triggered ?? date?.requested ?? date?.updated ?? saleStartDateTime;
}

function round() {
  let failed = 0;
  const start = process.hrtime.bigint();
  for (const data of batch) {
    try {
      transform(data);
    } catch {
      failed += 1;
    }
  }
  return { ns_per_record: Number(process.hrtime.bigint() - start) / batch.length, failed };
}

for (const end = Date.now() + WARM_UP_MS; Date.now() < end; ) round();
console.log(JSON.stringify(round()));
for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify(round()));
