// What goes over the page's WebSockets, as the browser shows it to any program. Loaded before whoever keeps the class.
const sockets = [];

/** The browser's own, with a note of what it received: as text, in its order. */
globalThis.WebSocket = class extends globalThis.WebSocket {
  constructor(...asked) {
    super(...asked);
    const seen = { url: this.url, frames: [], closed: false };
    sockets.push(seen);
    this.addEventListener('message', ({ data }) => seen.frames.push(data));
    this.addEventListener('close', () => (seen.closed = true));
  }
};

export default sockets;
