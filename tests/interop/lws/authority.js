// An LWS authorization server of its own: metadata, keys that change, and access tokens as they should be and should not.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

async function newKey(kid, alg = 'ES256') {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** Listens: `{ issuer, token(claims, how), rotate(), close() }`. */
export async function authority() {
  const keys = [await newKey('1')];
  const stranger = await newKey('stranger');
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    const documents = {
      '/.well-known/lws-configuration': { issuer, jwks_uri: `${issuer}/keys`, grant_types_supported: [] },
      '/keys': { keys: keys.map(({ jwk }) => jwk) },
    };
    const found = documents[request.url];
    response.writeHead(found ? 200 : 404, { 'Content-Type': 'application/json' }).end(JSON.stringify(found ?? {}));
  });
  await new Promise((resolve) => server.listen(0, 'localhost', resolve));
  const issuer = `http://localhost:${server.address().port}`;
  return {
    issuer,
    asked,
    /** A token with these claims; `key` signs it, by default the newest; a claim that is undefined is left out. */
    token(claims, { key = keys.at(-1), header = {} } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const base = { iss: issuer, client_id: 'https://app.example/id', iat: now, exp: now + 300, jti: randomUUID() };
      const all = Object.entries({ ...base, ...claims }).filter(([, value]) => value !== undefined);
      const protect = { alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header };
      return new SignJWT(Object.fromEntries(all)).setProtectedHeader(protect).sign(key.privateKey);
    },
    stranger,
    /** The same name as the newest key's, and another key. */
    async impostor() {
      return { ...stranger, kid: keys.at(-1).kid };
    },
    async rotate() {
      keys.push(await newKey(String(keys.length + 1)));
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
