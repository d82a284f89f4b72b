// A client of Linked Web Storage notifications, made of the drafts alone: it finds the service from any resource, subscribes,
// lists, looks after and cancels. Each step throws at anything that the drafts do not allow. Knows nothing of the server.
import LinkHeader from 'http-link-header';
import { CONTEXT, DESCRIPTION_REL, demand, isUrl, MEDIA_TYPE, several, TERMS, WEBHOOK } from './terms.js';

const links = (response, rel) =>
  LinkHeader.parse(response.headers.get('link') ?? '')
    .refs.filter((link) => link.rel === rel)
    .map(({ uri }) => new URL(uri, response.url).href);

const mediaType = (response) => response.headers.get('content-type')?.split(';')[0].trim();

async function json(response) {
  demand(mediaType(response) === MEDIA_TYPE, `${response.url} is ${MEDIA_TYPE}`, mediaType(response));
  return response.json();
}

/** LW01: the address of the storage description that an answer about a resource links to. */
export function descriptionOf(response) {
  const found = links(response, DESCRIPTION_REL);
  demand(found.length === 1, `one storage description is linked by ${response.url}`, found);
  return found[0];
}

/** LW02 to LW05: a description that was read at `url`: `{ storage, endpoint, types, description }`. */
export function readDescription(description, url) {
  demand(description.id === url, 'a storage is what its description is found at', description.id);
  demand(several(description.type).includes('Storage'), 'it is a Storage', description.type);
  demand(Array.isArray(description.service), 'service is an array', description.service);
  for (const service of description.service) {
    demand(several(service.type).length > 0, 'a service has a type', service);
    demand(isUrl(service.serviceEndpoint), 'a service has an endpoint', service);
  }
  const services = (type) => description.service.filter((service) => several(service.type).includes(type));
  const own = services('StorageDescription');
  demand(own.length === 1 && own[0].serviceEndpoint === url, 'it names itself as a service', own);
  const notification = services('NotificationService');
  demand(notification.length === 1, 'there is one notification service', notification);
  const [{ serviceEndpoint: endpoint, subscriptionType: types }] = notification;
  demand(Array.isArray(types) && types.every((type) => typeof type === 'string'), 'the types on offer are strings', types);
  demand(types.length > 0 && new Set(types).size === types.length, 'each is offered once', types);
  return { storage: description.id, endpoint, types, description };
}

/** Reads the description at `url`, as anybody. */
export async function describe(url) {
  const response = await fetch(url, { headers: { Accept: MEDIA_TYPE } });
  demand(response.status === 200, `${url} is found`, response.status);
  return readDescription(await json(response), url);
}

/** Somebody who subscribes: `fetch` is theirs. */
export class Subscriber {
  constructor(fetch, service) {
    Object.assign(this, { ...service, fetch });
  }

  /** From any resource of the storage. */
  static async at(resource, fetch) {
    const response = await fetch(resource, { method: 'HEAD' });
    return new Subscriber(fetch, await describe(descriptionOf(response)));
  }

  /** LW16: sends a subscription as it is given, and gives the answer as it comes. */
  post(body, headers = {}) {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return this.fetch(this.endpoint, { method: 'POST', headers: { 'Content-Type': MEDIA_TYPE, ...headers }, body: text });
  }

  /** LW17, LW18: subscribes: `{ subscription, management, expires }`; the first is a capability if it streams. */
  async subscribe(type, topic, more = {}) {
    return this.made(await this.post({ '@context': CONTEXT, type, topic: [topic].flat(), ...more }), type);
  }

  /** What an answer says that has made a subscription of that type. */
  async made(response, type) {
    if (![200, 201].includes(response.status)) throw new Error(`${response.status}: ${await response.text()}`);
    demand(/no-store/.test(response.headers.get('cache-control')), 'a subscription is not to be kept by caches');
    const answer = await json(response);
    demand(answer.type === type, 'the type is the one that was asked for', answer.type);
    demand(typeof answer.subscription === 'string' && URL.canParse(answer.subscription), 'subscription is a URL', answer);
    const location = response.headers.get('location');
    demand(location, 'the answer has a Location');
    const management = new URL(location, response.url).href;
    if (type === WEBHOOK) demand(management === answer.subscription, 'a webhook is looked after where it says', management);
    else demand(management !== answer.subscription, 'a capability is not where the subscription is looked after');
    return { ...answer, management };
  }

  /** LW29, LW31, LW32: all pages of the listing: `{ items, pages, total }`. */
  async list() {
    const [items, pages] = [[], []];
    for (let url = this.endpoint; url; ) {
      const response = await this.fetch(url, { headers: { Accept: MEDIA_TYPE } });
      demand(response.status === 200, `${url} is a page of the listing`, response.status);
      const page = readContainer(await json(response), this.endpoint);
      demand(links(response, 'first').length === 1, 'each page links to the first', response.headers.get('link'));
      demand(pages.length > 0 || links(response, 'prev').length === 0, 'none is before the first');
      demand(response.headers.get('etag'), 'a page has an ETag');
      const next = links(response, 'next');
      demand(next.length <= 1 && !pages.some(({ url }) => url === next[0]), 'one page is next, and it is another', next);
      items.push(...page.items);
      pages.push({ url, total: page.totalItems, response });
      [url] = next;
    }
    return { items, pages, total: pages[0].total };
  }

  /** The management URLs of what is listed. */
  async listed() {
    return (await this.list()).items.map(({ id }) => id);
  }

  /** LW30: one subscription as it is now: the answer, whatever it is. */
  get(management) {
    return this.fetch(management, { headers: { Accept: MEDIA_TYPE } });
  }

  /** R-LWS-23: the same, as it must be while there is one. */
  async state(management) {
    const response = await this.get(management);
    demand(response.status === 200, `${management} is there`, response.status);
    const state = await json(response);
    demand(several(state['@context']).includes(CONTEXT), 'it has the context', state);
    demand(typeof state.type === 'string' && Array.isArray(state.topic), 'it has a type and topics', state);
    demand(state.type !== WEBHOOK || isUrl(state.inbox), 'a webhook has an inbox', state);
    return state;
  }

  /** LW30: cancels one: the status of the answer. */
  async cancel(management) {
    return (await this.fetch(management, { method: 'DELETE' })).status;
  }
}

/** LW31: a container, of which every item is a data resource. */
function readContainer(container, id) {
  demand(several(container['@context']).includes(CONTEXT), 'a container has the context', container['@context']);
  demand(container.id === id, 'a container says which it is', container.id);
  demand(several(container.type).includes('Container'), 'it is a Container', container.type);
  demand(Number.isInteger(container.totalItems), 'it counts its items', container.totalItems);
  demand(Array.isArray(container.items), 'items is an array', container.items);
  for (const item of container.items) {
    demand(isUrl(item.id), 'an item has an id', item);
    demand(several(item.type).includes('DataResource'), 'an item is a data resource', item);
    const further = several(item.type).filter((type) => type !== 'DataResource');
    demand(further.every((type) => type.startsWith(TERMS)), 'its other types are URIs', further);
    demand(item.mediaType === MEDIA_TYPE, 'an item has a media type', item);
    demand(item.size === undefined || Number.isInteger(item.size), 'the size is a number', item);
    demand(item.modified === undefined || !Number.isNaN(Date.parse(item.modified)), 'modified is a moment', item);
  }
  return container;
}
