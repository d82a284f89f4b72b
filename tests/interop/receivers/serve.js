// A receiver of webhooks that runs, to begin with: it prints what the sender tells, once, and refuses everything else.
//
//   node serve.js SENDER URL      as in: node serve.js http://localhost:3000/.notifications/sender http://localhost:8080/in
//
// SENDER and URL are the `sender` and the `sendTo` of the channel. It listens on this machine, at the port of URL; if that
// is a proxy's, which ends TLS and leads here, set PORT to another.
import { createServer } from 'node:http';
import { verifySignature } from './receiver.js';

const [sender, url] = process.argv.slice(2);
const { origin, port } = new URL(url);
const LARGEST = 64 * 1024;
// The ids of what was taken: each message comes at least once. Who works on messages keeps these beside the work.
const known = new Set();

/** The status to answer with. */
async function take(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > LARGEST) return 413;
    parts.push(part);
  }
  const body = Buffer.concat(parts);
  try {
    // The URL as the server calls it, whatever is in between.
    await verifySignature({ method: request.method, url: origin + request.url, headers: request.headers, body }, sender);
  } catch (error) {
    console.error(`refused: ${error.message}`);
    return 401;
  }
  const { id, type, object } = JSON.parse(body);
  if (!known.has(id)) console.log(type, object);
  known.add(id);
  return 204;
}

createServer((request, response) => {
  take(request)
    .catch(() => 400)
    .then((status) => response.writeHead(status, { connection: 'close' }).end());
}).listen(Number(process.env.PORT ?? (port || 8080)), 'localhost');
