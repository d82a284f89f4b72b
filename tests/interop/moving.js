// What tests of pods that move have in common.
import { Session } from '@inrupt/solid-client-authn-node';
import * as rdflib from 'rdflib';
import { podbell } from './server.js';

const CONTAINS = 'http://www.w3.org/ns/ldp#contains';

export { podbell };

/** A session of whoever has the pod of that name, who gets a log-in. */
export async function giveLogin(server, name) {
  await podbell(server, 'account', 'add', name, '--webid', `${server.base}${name}/profile/card#me`, '--generate');
  const env = await podbell(server, 'account', 'credentials', name, 'add', 'test', '--env');
  const value = (key) => new RegExp(`^USERS_${name.toUpperCase()}_${key}=(.*)$`, 'm').exec(env)[1];
  const session = new Session({ keepAlive: false });
  await session.login({ oidcIssuer: server.issuer, clientId: value('CLIENTID'), clientSecret: value('CLIENTSECRET') });
  if (!session.info.isLoggedIn) throw new Error(`${name} is not logged in`);
  return session;
}

/** Statements in which the pod's own root is `pod:`; what is said of nodes without names is left out. */
export function statements(turtle, iri, root) {
  const graph = rdflib.graph();
  rdflib.parse(turtle, graph, iri, 'text/turtle');
  const lines = graph.statements.map((statement) => statement.toNT().replaceAll(root, 'pod:'));
  return lines.filter((line) => line.startsWith('<')).sort();
}

/** The members that a listing names, below the root. */
export function membersOf(turtle, iri, root) {
  const lines = statements(turtle, iri, root).filter((line) => line.includes(`<${CONTAINS}>`));
  return lines.map((line) => /<pod:([^>]*)> \.$/.exec(line)[1]).sort();
}
