// What an envelope must be: LW06 to LW15 and R-LWS-5 to R-LWS-8. Throws at the first thing that is wrong.
import { AS_CONTEXT, CONTEXT, demand, isUrl, several } from './terms.js';

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const URN = /^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TYPES = ['Create', 'Update', 'Delete'];
const CLASSES = ['Container', 'DataResource'];

function only(object, members, what) {
  const strange = Object.keys(object).filter((name) => !members.includes(name));
  demand(strange.length === 0, `${what} has members that the draft does not have`, strange);
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** One activity; `actor` says whether one may be named. */
function checkActivity(activity, actor) {
  demand(isObject(activity), 'an activity is an object', activity);
  only(activity, ['id', 'type', 'object', 'published', 'target', 'origin', 'actor'], 'an activity');
  const { id, type, object, published, target, origin } = activity;
  demand(URN.test(id), 'the id of an activity is a urn:uuid', id);
  demand(Array.isArray(type) && type.length > 0, 'the type of an activity is an array', type);
  demand(type.filter((name) => TYPES.includes(name)).length === 1, 'an activity is one of Create, Update, Delete', type);
  demand(!type.includes('Add') && !type.includes('Remove'), 'there is no Add and no Remove', type);
  demand(isObject(object), 'the object of an activity is an object', object);
  only(object, ['id', 'type'], 'the object');
  demand(isUrl(object.id), 'the id of the object is a URL', object.id);
  demand(Array.isArray(object.type) && object.type.length > 0, 'the type of the object is an array', object.type);
  demand(object.type.every((name) => CLASSES.includes(name)), 'the object has terms of LWS only', object.type);
  demand(typeof published === 'string' && MOMENT.test(published), 'published is a moment, in milliseconds and UTC', published);
  demand(!Number.isNaN(Date.parse(published)), 'published is a moment that there is', published);
  demand(target === undefined || (isUrl(target) && type.includes('Create')), 'only a Create has a target', target);
  demand(origin === undefined || (isUrl(origin) && type.includes('Delete')), 'only a Delete has an origin', origin);
  demand(actor ? isUrl(activity.actor) : !('actor' in activity), 'the actor is named only if that is asked for', activity.actor);
  return activity;
}

/** Parses and checks an envelope that speaks for `storage`: its activities, in order. */
export function readEnvelope(text, { storage, actor = false }) {
  const envelope = JSON.parse(text);
  demand(isObject(envelope), 'an envelope is an object', envelope);
  only(envelope, ['@context', 'type', 'storage', 'activity'], 'an envelope');
  const context = several(envelope['@context']);
  demand(context.includes(CONTEXT) && context.includes(AS_CONTEXT), 'the contexts are those of LWS and Activity Streams', context);
  demand(envelope.type === 'Notification', 'the type is the string Notification', envelope.type);
  demand(isUrl(envelope.storage), 'an envelope names its storage', envelope.storage);
  demand([storage].flat().includes(envelope.storage), 'the storage is one that was subscribed to', envelope.storage);
  const activities = several(envelope.activity);
  demand(activities.length > 0, 'there is an activity', envelope.activity);
  activities.forEach((activity) => checkActivity(activity, actor));
  demand(new Set(activities.map(({ id }) => id)).size === activities.length, 'activities in an envelope differ');
  return activities;
}

/** `Create /alice/c/n in /alice/c/`: an activity, short. */
export function short({ type, object, target, origin }) {
  const path = (url) => new URL(url).pathname;
  const parent = target ?? origin;
  return `${type.at(-1)} ${path(object.id)}${parent ? ` in ${path(parent)}` : ''}`;
}
