// A server with alice, bob and eve, and containers of alice's as the cases have them: `C/` with `a`, `d/` and `d/b`, of which
// bob reads everything unless it is said, and eve nothing.
import { acl, login, logout, put, putAcl } from '../clients.js';
import { start } from '../server.js';
import { Subscriber } from './client.js';
import { openEvents, openSocket } from './streams.js';
import { EVENT_SOURCE, WEBHOOK, WEBSOCKET } from './terms.js';

const NAMES = ['alice', 'bob', 'eve'];

/** Starts it, with settings from the environment. */
export async function world(settings = {}) {
  Object.assign(process.env, settings);
  const server = await start(...NAMES.flatMap((name) => ['--seed', name]));
  const world = { server, root: server.users.alice.root, opened: [] };
  let made = 0;

  /** Whoever it is, as a subscriber at alice's storage; anew after the server was away. */
  world.logIn = async () => {
    for (const name of NAMES) {
      await logout(world[name]);
      world[name] = await login(server, name);
      world[name].lws = await Subscriber.at(world.root, world[name].fetch);
    }
  };
  await world.logIn();

  /** A new `C/`, of which `readers` read all, bob unless it is said. */
  world.container = async (readers = [server.users.bob.webid]) => {
    const container = `${world.root}lws-${made++}/`;
    await put(world.alice, container, '');
    await world.allow(container, readers);
    await put(world.alice, `${container}a`);
    await put(world.alice, `${container}d/b`);
    return container;
  };

  /** Lets these read it and nobody else, but for alice. */
  world.allow = (resource, readers) => putAcl(world.alice, resource, server.users.alice.webid, readers);

  /** Lets everybody read it. */
  world.open = (resource) => {
    const all = 'acl:mode acl:Read ; acl:agentClass <http://xmlns.com/foaf/0.1/Agent>';
    const rule = `<#all> a acl:Authorization ; acl:accessTo <${resource}> ; ${all} .`;
    return put(world.alice, `${resource}.acl`, `${acl(resource, server.users.alice.webid)}\n${rule}`);
  };

  /** A webhook of that person's at a receiver, who expects alice's storage. */
  world.webhook = async (person, topic, receiver, path = '/', more = {}) => {
    receiver.storages.push(person.lws.storage);
    return person.lws.subscribe(WEBHOOK, topic, { inbox: receiver.url(path), ...more });
  };

  const opens = (type, open) => async (person, topic) => {
    const made = await person.lws.subscribe(type, topic);
    const client = Object.assign(await open(made.subscription, person.lws.storage), made);
    world.opened.push(client);
    return client;
  };

  /** A socket of that person's, open. */
  world.socket = opens(WEBSOCKET, openSocket);
  /** An event stream of that person's, open. */
  world.events = opens(EVENT_SOURCE, openEvents);

  world.close = async () => {
    world.opened.forEach((client) => client.close?.());
    await logout(...NAMES.map((name) => world[name]));
    await server.stop();
  };
  return world;
}

/** The path of a URL. */
export const path = (url) => new URL(url).pathname;
