// The receivers of the guide that are no modules: each is given requests, and says of each what it thinks of it.
import { fileURLToPath } from 'node:url';
import { example, run } from './requests.js';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const given = (sender, secret, requests) => ({
  sender,
  secret,
  requests: requests.map((request) => ({ ...request, body: request.body.toString('base64') })),
});

export const inPython = (...asked) =>
  run('python3', [path('receiver.py')], given(...asked), {
    PYTHONPATH: process.env.PODBELL_PYTHON ?? path('../../../target/python'),
  });

export const inRust = (...asked) => run(example('receive'), [], given(...asked));
