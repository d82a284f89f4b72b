// What this console knows of the server it belongs to: `{ version, pods, issuer, client, development }`.

const answer = await fetch('/console/config.json');
if (!answer.ok) throw new Error(`the console's own settings cannot be read: ${answer.status}`);

export const config = Object.freeze(await answer.json());
