// Somebody whom Podbell calls: keeps what arrives, and answers with the status that `answer` gives for it.
import { createServer } from 'node:http';
import { until } from '../server.js';

export async function listen(answer = () => 204) {
  const arrived = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const url = `http://${request.headers.host}${request.url}`;
    const one = { method: request.method, url, headers: request.headers, body };
    arrived.push(one);
    response.writeHead(answer(one)).end();
  });
  await new Promise((resolve) => server.listen(0, 'localhost', resolve));
  return {
    arrived,
    url: (path) => `http://localhost:${server.address().port}${path}`,
    /** What has arrived, once it is so many. */
    async arrives(count) {
      await until(() => arrived.length >= count, `${count} arrive; there are ${arrived.length}`);
      return arrived;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** What a message says: its type, and what has changed. */
export function says({ body }) {
  const { type, object } = JSON.parse(body);
  return [type, object];
}
