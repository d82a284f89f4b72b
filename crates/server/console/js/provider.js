// A provider: what it says of itself, and as which application it knows the console. https://solidproject.org/TR/oidc
import { config } from './config.js';
import * as oauth from '../vendor/oauth4webapi.js';

/** What is asked for. */
export const SCOPE = 'openid webid offline_access';

/** http is for servers in development, on this machine. */
export const insecure = { [oauth.allowInsecureRequests]: config.development };

/** Why nobody was signed in, for people. */
export class SignInError extends Error {}

/** Asks a provider about itself. Whether its name ends with a slash is the provider's to say, and hard to know for people. */
export async function discover(issuer) {
  const url = addressOf(issuer);
  const { pathname } = url;
  const other = new URL(url);
  other.pathname = pathname.endsWith('/') ? pathname.slice(0, -1) : `${pathname}/`;
  for (const name of pathname === '/' ? [url] : [url, other]) {
    try {
      const answer = await oauth.discoveryRequest(name, { ...insecure, algorithm: 'oidc' });
      return await oauth.processDiscoveryResponse(name, answer);
    } catch {
      // Perhaps it is called otherwise.
    }
  }
  throw new SignInError(`${url.origin} does not answer as an identity provider.`);
}

/** A provider's name as an address; what people leave out is https, but for this machine in development. */
function addressOf(issuer) {
  const isHere = config.development && /^(localhost|127\.0\.0\.1|\[::1\])(:|\/|$)/i.test(issuer);
  try {
    const url = new URL(/^https?:/i.test(issuer) ? issuer : `${isHere ? 'http' : 'https'}://${issuer}`);
    // Neither is part of a name (OpenID Connect Discovery §3).
    url.search = url.hash = '';
    return url;
  } catch {
    throw new SignInError(`“${issuer}” is no address of an identity provider.`);
  }
}

/** https://www.rfc-editor.org/rfc/rfc7009 */
export async function revoke({ issuer, client, refresh }) {
  const as = await discover(issuer);
  if (!as.revocation_endpoint) return;
  const options = { ...insecure, additionalParameters: { token_type_hint: 'refresh_token' } };
  await oauth.revocationRequest(as, client, authentication(client), refresh, options);
}

/** By its document where the provider can read that, else registered with the provider, anew each time. */
export async function clientFor(as, redirect) {
  const isReachable = new URL(config.client).protocol === 'https:' || as.issuer === config.issuer;
  if (isReachable) return { client_id: config.client, token_endpoint_auth_method: 'none' };
  if (!as.registration_endpoint) throw new SignInError(`${as.issuer} takes only applications that it knows.`);
  const metadata = {
    client_name: 'Podbell console',
    redirect_uris: [redirect],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    scope: SCOPE,
    token_endpoint_auth_method: 'none',
    application_type: 'web',
  };
  const answer = await oauth.dynamicClientRegistrationRequest(as, metadata, insecure);
  return oauth.processDynamicClientRegistrationResponse(answer);
}

/** How a client says that it is who it says. */
export function authentication(client) {
  // Some give a secret also to who asked for none.
  if (!client.client_secret || client.token_endpoint_auth_method === 'none') return oauth.None();
  return client.token_endpoint_auth_method === 'client_secret_post'
    ? oauth.ClientSecretPost(client.client_secret)
    : oauth.ClientSecretBasic(client.client_secret);
}
