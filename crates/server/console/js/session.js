// Who is signed in: authorization code flow with PKCE and DPoP, at any provider. https://solidproject.org/TR/oidc
//
// The key of the proofs never leaves the browser (it cannot be exported), and the refresh token that is kept is bound
// to it. Access tokens live in memory alone.
import { config } from './config.js';
import { authentication, clientFor, discover, insecure, revoke, SCOPE, SignInError } from './provider.js';
import * as kept from './kept.js';
import * as oauth from '../vendor/oauth4webapi.js';

const KEY = 'session';
/** A sign-in that was begun is forgotten after this many milliseconds. */
const BEGUN = 15 * 60 * 1000;
/** An access token is renewed this many milliseconds before it ends. */
const EARLY = 20_000;

/**
 * `change` is dispatched when somebody signs in or out, here or in another tab; `ended` when a sign-in ended without
 * being asked to, or came to nothing: `detail` says why, for people.
 */
export class Session extends EventTarget {
  #state;
  #token;
  /** What is done before somebody signs out here: functions, which may take their time. */
  leaving = new Set();
  /** Other tabs of this console. They are told that something changed, never what. */
  #tabs = new BroadcastChannel('podbell-session');

  /** The WebID of whoever is signed in; undefined for the public. */
  get webid() {
    return this.#state?.webid;
  }

  /** Where they signed in. */
  get issuer() {
    return this.#state?.issuer;
  }

  /** Takes up what this browser keeps, or what the provider has just sent back to this page. */
  async open() {
    this.#tabs.onmessage = () => this.#take();
    const back = new URL(location.href);
    if (back.searchParams.has('state') && (back.searchParams.has('code') || back.searchParams.has('error'))) {
      const clean = new URL(back.pathname, back.origin);
      // The code is good for one use, and is nobody's business in the history.
      history.replaceState(null, '', clean);
      try {
        history.replaceState(null, '', await this.#finish(back, clean.href));
      } catch (error) {
        if (!(error instanceof SignInError)) throw error;
        this.#state = await kept.get(KEY);
        this.dispatchEvent(new CustomEvent('ended', { detail: error.message }));
      }
    } else {
      this.#state = await kept.get(KEY);
      if (this.#state) await this.#renew().catch(() => {});
    }
    this.dispatchEvent(new Event('change'));
    return this;
  }

  /** Goes to a provider; comes back to this page, with `query` behind its path. */
  async signIn(issuer, query = location.search) {
    const as = await discover(issuer);
    const redirect = new URL(location.pathname, location.origin).href;
    const client = await clientFor(as, redirect);
    const verifier = oauth.generateRandomCodeVerifier();
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const keys = await oauth.generateKeyPair('ES256', { extractable: false });
    await kept.put(`begun:${state}`, { at: Date.now(), issuer: as.issuer, client, verifier, nonce, keys, query });
    const to = new URL(as.authorization_endpoint);
    if (to.protocol !== 'https:' && !(config.development && to.protocol === 'http:')) {
      throw new SignInError(`${as.issuer} names no page to sign in at.`);
    }
    const asked = {
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri: redirect,
      scope: SCOPE,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      // Without it some providers give no refresh token.
      prompt: 'consent',
    };
    for (const [name, value] of Object.entries(asked)) to.searchParams.set(name, value);
    location.assign(to);
  }

  /** Forgets who is signed in, here and in other tabs. The provider may still know; what it gave it is asked to forget. */
  async signOut() {
    await Promise.allSettled([...this.leaving].map((act) => act()));
    const state = this.#state;
    await this.#forget();
    // Nobody waits for that: it is bound to a key that is gone.
    if (state?.refresh) void revoke(state).catch(() => {});
  }

  async #forget() {
    this.#state = this.#token = undefined;
    await kept.remove(KEY);
    this.#tabs.postMessage('changed');
    this.dispatchEvent(new Event('change'));
  }

  /**
   * `fetch`, as whoever is signed in. Without anybody it is the browser's own. Cookies never go along: the provider's are
   * for its pages, which may stand beside these.
   */
  fetch = async (input, init = {}) => {
    const request = new Request(input, { ...init, credentials: 'omit' });
    if (!this.#state) return fetch(request);
    const token = await this.#access();
    if (!token) return fetch(request);
    const isBare = request.method === 'GET' || request.method === 'HEAD' || init.body === undefined && !(input instanceof Request);
    const body = isBare ? undefined : await request.arrayBuffer();
    const send = () => oauth.protectedResourceRequest(token, request.method, new URL(request.url), request.headers, body, {
      ...insecure,
      DPoP: this.#proofs(),
      signal: request.signal,
      [oauth.customFetch]: (url, sent) => fetch(url, { ...sent, redirect: request.redirect, cache: request.cache, keepalive: request.keepalive, credentials: 'omit' }),
    });
    try {
      return await send().catch((error) => (oauth.isDPoPNonceError(error) ? send() : Promise.reject(error)));
    } catch (error) {
      // What asks for authentication is an answer like any other.
      if (error instanceof oauth.WWWAuthenticateChallengeError) return error.response;
      throw error;
    }
  };

  #handle;

  #proofs() {
    if (this.#handle?.keys !== this.#state.keys) {
      this.#handle = { keys: this.#state.keys, proofs: oauth.DPoP(this.#state.client, this.#state.keys) };
    }
    return this.#handle.proofs;
  }

  /** An access token that still lives. */
  async #access() {
    if (this.#token && this.#token.until - EARLY > Date.now()) return this.#token.text;
    this.#renewing ??= this.#renew().finally(() => (this.#renewing = undefined));
    await this.#renewing;
    return this.#token?.text;
  }

  #renewing;

  /** A refresh token is good once, so tabs take turns, and each begins with what the last one kept. */
  async #renew() {
    return navigator.locks.request('podbell-session', async () => {
      const state = await kept.get(KEY);
      if (!state?.refresh) return this.#lost('The sign-in has ended: the provider gave no leave to go on.');
      this.#state = state;
      const as = await discover(state.issuer);
      const ask = () =>
        oauth.refreshTokenGrantRequest(as, state.client, authentication(state.client), state.refresh, { ...insecure, DPoP: this.#proofs() })
          .then((answer) => oauth.processRefreshTokenResponse(as, state.client, answer));
      let answer;
      try {
        answer = await ask().catch((error) => (oauth.isDPoPNonceError(error) ? ask() : Promise.reject(error)));
      } catch (error) {
        // Only the provider's own word ends it; a network that is away does not.
        if (error instanceof oauth.ResponseBodyError) return this.#lost('The sign-in has ended; please sign in again.');
        throw error;
      }
      // Whoever signed out meanwhile stays signed out, and whoever signed in stays that.
      const next = { ...state, refresh: answer.refresh_token ?? state.refresh };
      if (await kept.replace(KEY, next, (found) => found?.refresh === state.refresh)) this.#enter(next, answer);
      else await this.#take();
    });
  }

  /** Another tab signed in or out. */
  async #take() {
    const state = await kept.get(KEY);
    if (state?.webid === this.#state?.webid && state?.issuer === this.#state?.issuer) return;
    this.#state = state;
    this.#token = undefined;
    this.dispatchEvent(new Event('change'));
  }

  async #lost(reason) {
    await this.#forget();
    this.dispatchEvent(new CustomEvent('ended', { detail: reason }));
  }

  async #keep(state, answer) {
    this.#enter(state, answer);
    await kept.put(KEY, state);
  }

  #enter(state, answer) {
    this.#state = state;
    this.#token = { text: answer.access_token, until: Date.now() + (answer.expires_in ?? 300) * 1000 };
  }

  async #finish(back, redirect) {
    const begun = await kept.get(`begun:${back.searchParams.get('state')}`);
    if (!begun || Date.now() - begun.at > BEGUN) throw new SignInError('That sign-in was not begun here, or too long ago. Please try again.');
    await kept.remove(`begun:${back.searchParams.get('state')}`);
    const { client, keys, issuer, nonce, verifier, query } = begun;
    const as = await discover(issuer);
    try {
      const parameters = oauth.validateAuthResponse(as, client, back, back.searchParams.get('state'));
      const proofs = oauth.DPoP(client, keys);
      const ask = () =>
        oauth.authorizationCodeGrantRequest(as, client, authentication(client), parameters, redirect, verifier, { ...insecure, DPoP: proofs })
          .then((answer) => oauth.processAuthorizationCodeResponse(as, client, answer, { expectedNonce: nonce, requireIdToken: true }));
      const answer = await ask().catch((error) => (oauth.isDPoPNonceError(error) ? ask() : Promise.reject(error)));
      const claims = oauth.getValidatedIdTokenClaims(answer);
      const webid = claims.webid ?? claims.sub;
      if (!isWebId(webid)) throw new SignInError(`${issuer} signed somebody in, but did not say with which WebID.`);
      await this.#keep({ issuer, client, keys, webid, refresh: answer.refresh_token }, answer);
      this.#tabs.postMessage('changed');
    } catch (error) {
      if (error instanceof oauth.AuthorizationResponseError && error.error === 'access_denied') {
        throw new SignInError('Nobody was signed in: it was not allowed.');
      }
      throw error instanceof SignInError ? error : new SignInError(`${issuer} did not sign you in: ${error.message}`);
    }
    return new URL(query || '', redirect).href;
  }
}

/** Whether a claim is one: providers may say anything, and what is kept is shown on every page from then on. */
function isWebId(claim) {
  return typeof claim === 'string' && claim.length <= 2048 && /^https?:\/\/[^\s\p{C}"<>\\^`{|}]+$/u.test(claim) && URL.canParse(claim);
}
