// A receiver of webhooks in Node: is it from the server that I subscribed at, for me, unchanged and recent?
//
//   npm install http-message-signatures @solid/access-token-verifier standardwebhooks
//
// `request` is { method, url, headers, body }: the URL as the server calls it, names of headers in lower case, the body
// as a Buffer, before anything parses it. `sender` is what the subscription was answered with. Each check alone is
// enough; each throws if there is anything wrong.
import { createHash, createPublicKey, timingSafeEqual } from 'node:crypto';
import { createSolidTokenVerifier } from '@solid/access-token-verifier';
import { createVerifier, httpbis } from 'http-message-signatures';
import { Webhook } from 'standardwebhooks';

const COVERED = ['@method', '@scheme', '@authority', '@path', 'content-type', 'content-digest'];

/** By the HTTP message signature (RFC 9421): the key is in the sender's document. */
export async function verifySignature(request, sender) {
  const digest = createHash('sha256').update(request.body).digest();
  const told = /(?:^|,)\s*sha-256=:([^:]*):/.exec(request.headers['content-digest'] ?? '')?.[1];
  if (!told || Buffer.from(told, 'base64').length !== 32 || !timingSafeEqual(Buffer.from(told, 'base64'), digest))
    throw new Error('the body is not the one that was signed');
  const verified = await httpbis.verifyMessage(
    {
      keyLookup: async ({ keyid }) => {
        // The key of another sender says nothing about this one.
        if (keyid?.split('#')[0] !== sender) throw new Error('signed by somebody else');
        return { id: keyid, algs: ['ecdsa-p256-sha256'], verify: createVerifier(await keyOf(sender, keyid), 'ecdsa-p256-sha256') };
      },
      requiredFields: new URL(request.url).search ? [...COVERED, '@query'] : COVERED,
      requiredParams: ['created', 'keyid'],
      maxAge: 300,
      tolerance: 30,
    },
    { method: request.method, url: request.url, headers: request.headers },
  );
  if (verified !== true) throw new Error('the signature is wrong or missing');
}

// Keys change: keep the document for as long as its Cache-Control says, and look again for a name that is not in it.
let kept = { until: 0, document: undefined };
async function keyOf(sender, keyid) {
  const find = () =>
    kept.document?.id === sender &&
    kept.document.authentication.includes(keyid) &&
    kept.document.verificationMethod.find((method) => method.id === keyid);
  if (kept.until < Date.now() || !find()) {
    const answer = await fetch(sender, { headers: { accept: 'application/ld+json' }, redirect: 'error' });
    if (!answer.ok) throw new Error(`the sender's document cannot be read: ${answer.status}`);
    kept = { until: Date.now() + 300_000, document: await answer.json() };
  }
  if (!find()) throw new Error('the sender has no such key');
  return createPublicKey({ key: find().publicKeyJwk, format: 'jwk' });
}

/** By the Solid-OIDC token and its proof: the sender as an agent. */
export async function verifyToken(request, sender) {
  const verify = (verifyToken.verifier ??= createSolidTokenVerifier());
  // A proof is for the URL without its query.
  const url = request.url.split('?')[0];
  const proof = { header: request.headers.dpop, method: request.method, url };
  const { webid, aud } = await verify(request.headers.authorization, proof);
  if (webid !== sender) throw new Error('sent by somebody else');
  if (![aud].flat().includes(new URL(request.url).origin)) throw new Error('made for another receiver');
}

/** By a secret that the subscription was made with. */
export function verifySecret(request, secret) {
  new Webhook(secret).verify(request.body, request.headers);
}
