// (c) What the predecessor did to one record: base64, JSON.parse, unmarshall, validate, enrich, then JSON or Avro.
//
//   node predecessor.mjs schemas.json batch.txt [rows.json] [--invocations]
//
// schemas.json holds the Avro schemas of the images by record type, batch.txt one change record in base64 a line. A row
// becomes JSON in base64; with rows.json, the Avro schemas of the rows, the batch becomes one container for each type
// and date instead, deflated, by avsc's BlockEncoder. With --invocations, a line of batch.txt is an event as Lambda's
// runtime gets it: the event is parsed, and the reply made and written as JSON, too. After its warm-up it runs the batch once for every line on
// standard input, so that rounds can be interleaved with others', and answers with a line such as
// {"us_per_record": 21.35, "failed": 0}.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { unmarshall } from "@aws-sdk/util-dynamodb";
import avsc from "avsc";

const WARM_UP_MS = 1500; // V8 has optimised all of it well before: the rounds after 300 ms are all alike
const REDACTED = ["phoneNumber", "email", "messageBody"];
const DAY_MS = 86_400_000;

class Milliseconds extends avsc.types.LogicalType {
  _toValue = (text) => Date.parse(text);
}

class Days extends avsc.types.LogicalType {
  _toValue = (text) => Date.parse(text) / DAY_MS;
}

const invoked = process.argv.includes("--invocations");
const [schemasFile, batchFile, rowsFile] = process.argv.slice(2).filter((one) => one !== "--invocations");
const types = typesOf(schemasFile, {});
const rowTypes = rowsFile && typesOf(rowsFile, { "timestamp-millis": Milliseconds, date: Days });
const batch = readFileSync(batchFile, "utf8").trimEnd().split("\n");
const bodies = invoked ? batch.map((body) => Buffer.from(body)) : [];
const records = invoked ? batch.reduce((sum, body) => sum + JSON.parse(body).records.length, 0) : batch.length;

function typesOf(file, logicalTypes) {
  const schemas = Object.entries(JSON.parse(readFileSync(file, "utf8")));
  return Object.fromEntries(schemas.map(([name, schema]) => [name, avsc.Type.forSchema(schema, { logicalTypes })]));
}

function rowOf(data) {
  const change = JSON.parse(Buffer.from(data, "base64").toString("utf8"));
  const deleted = change.eventName === "REMOVE";
  const image = unmarshall(deleted ? change.dynamodb.OldImage : change.dynamodb.NewImage);
  if (image.saleTypes instanceof Set) image.saleTypes = [...image.saleTypes];
  if (!types[image.type].isValid(image)) throw new Error("invalid");
  return enrich(image, new Date(changeMillis(change.dynamodb)).toISOString(), deleted);
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

function partitionDate({ date, saleStartDateTime, eventDate, reference }) {
  const time = date?.requested ?? date?.created ?? date?.firstSeen ?? saleStartDateTime ?? eventDate?.start?.dateTime;
  return (time ?? reference.timestamp).slice(0, 10);
}

// Counts the failures of a round, and the time of the processor that it took.
async function round(deliver) {
  const start = process.cpuUsage();
  const failed = invoked ? await invocations(deliver) : await steps(deliver);
  const { user, system } = process.cpuUsage(start);
  return { us_per_record: (user + system) / records, failed };
}

async function steps(deliver) {
  let failed = 0;
  const rows = [];
  for (const data of batch) {
    try {
      rows.push(deliver.each(rowOf(data)));
    } catch {
      failed += 1;
    }
  }
  await deliver.all(rows);
  return failed;
}

async function invocations(deliver) {
  let failed = 0;
  for (const body of bodies) {
    const rows = [];
    const answers = [];
    for (const { recordId, data } of JSON.parse(body.toString("utf8")).records) {
      try {
        const row = rowOf(data);
        rows.push(deliver.each(row));
        answers.push({ recordId, ...deliver.answer(row, rows.at(-1)) });
      } catch {
        failed += 1;
        answers.push({ recordId, result: "ProcessingFailed", data: "" });
      }
    }
    await deliver.all(rows);
    Buffer.from(JSON.stringify({ records: answers }), "utf8");
  }
  return failed;
}

const asJson = {
  each: (row) => Buffer.from(JSON.stringify(row) + "\n", "utf8").toString("base64"),
  answer: (row, data) => ({
    result: "Ok",
    data,
    metadata: { partitionKeys: { type: row.type, date: partitionDate(row) } },
  }),
  all: () => {},
};

const asAvro = {
  each: (row) => row,
  answer: () => ({ result: "Dropped", data: "" }),
  all: async (rows) => {
    const groups = new Map();
    for (const row of rows) {
      const key = `${row.type}/partition_date=${partitionDate(row)}`;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(row);
    }
    await Promise.all([...groups.values()].map(container));
  },
};

async function container(rows) {
  const encoder = new avsc.streams.BlockEncoder(rowTypes[rows[0].type], { codec: "deflate" });
  const parts = [];
  encoder.on("data", (part) => parts.push(part));
  for (const row of rows) encoder.write(row);
  encoder.end();
  await once(encoder, "end");
  return Buffer.concat(parts);
}

const deliver = rowsFile ? asAvro : asJson;
for (const end = Date.now() + WARM_UP_MS; Date.now() < end; ) await round(deliver);
console.log(JSON.stringify(await round(deliver)));
for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify(await round(deliver)));
