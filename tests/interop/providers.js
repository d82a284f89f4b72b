// An identity provider of a test's own, which may differ from others as providers do; it asks nobody anything.
import { once } from 'node:events';
import http from 'node:http';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

const CORS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': 'authorization, content-type, dpop',
  'Access-Control-Allow-Methods': 'GET, POST',
};

/**
 * `name`: the path at the end of its issuer; `registration`: what it adds to what an application registers; `claims`: of ID
 * tokens, beside the usual; `rotates`: whether a refresh token is good once. `{ issuer, origin, asked, close() }`: `asked`
 * are the requests for tokens, `{ grant_type, …, authorization }`.
 */
export async function provider({ name = '/', registration = {}, claims = {}, rotates = true } = {}) {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' };
  const server = http.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://localhost:${server.address().port}`;
  const issuer = origin + name;
  const asked = [];
  let nonce;
  let refresh = 'refresh-0';

  async function token(request) {
    const form = Object.fromEntries(new URLSearchParams(await text(request)));
    asked.push({ ...form, authorization: request.headers.authorization });
    if (form.grant_type === 'refresh_token' && form.refresh_token !== refresh) return [400, { error: 'invalid_grant' }];
    if (rotates) refresh = `refresh-${asked.length}`;
    const sign = (more) =>
      new SignJWT({ ...more, ...claims }).setProtectedHeader({ alg: 'ES256', kid: 'k' }).setIssuer(issuer).setIssuedAt().setExpirationTime('5m').sign(privateKey);
    const isFirst = form.grant_type === 'authorization_code';
    return [200, {
      access_token: await sign({ aud: 'solid' }),
      token_type: 'DPoP',
      expires_in: 300,
      ...(isFirst && { id_token: await sign({ aud: 'client', nonce }) }),
      ...((isFirst || rotates) && { refresh_token: refresh }),
    }];
  }

  const answers = {
    [`${name.replace(/\/$/, '')}/.well-known/openid-configuration`]: () => [200, {
      issuer,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      jwks_uri: `${origin}/jwks`,
      registration_endpoint: `${origin}/register`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    }],
    '/jwks': () => [200, { keys: [jwk] }],
    '/register': async (request) => [201, { ...JSON.parse(await text(request)), ...registration, client_id: 'client' }],
    '/authorize': (request, { searchParams: query }) => {
      nonce = query.get('nonce');
      const back = new URL(query.get('redirect_uri'));
      for (const [key, value] of Object.entries({ code: 'a-code', state: query.get('state') })) back.searchParams.set(key, value);
      return [303, {}, { Location: back.href }];
    },
    '/token': token,
  };
  server.on('request', async (request, response) => {
    const url = new URL(request.url, origin);
    const answer = request.method === 'OPTIONS' ? () => [204] : (answers[url.pathname] ?? (() => [404, {}]));
    const [status, body, headers] = await answer(request, url);
    response.writeHead(status, { ...CORS, 'Content-Type': 'application/json', ...headers }).end(body && JSON.stringify(body));
  });
  return {
    issuer,
    origin,
    asked,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function text(request) {
  let whole = '';
  for await (const part of request) whole += part;
  return whole;
}
