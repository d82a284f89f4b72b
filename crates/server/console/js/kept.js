// What outlives a page: a small table in this browser. Keys of proofs are kept as they are, not as bytes.

const opened = new Promise((resolve, reject) => {
  const request = indexedDB.open('podbell-console', 1);
  request.onupgradeneeded = () => request.result.createObjectStore('kept');
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

async function act(mode, what) {
  const store = (await opened).transaction('kept', mode).objectStore('kept');
  const request = what(store);
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export const get = (key) => act('readonly', (store) => store.get(key));
export const remove = (key) => act('readwrite', (store) => store.delete(key));
export const put = (key, value) => act('readwrite', (store) => store.put(value, key));

/** Puts a value in the place of one that `isIt`; false if another is there by now, or none. Nothing comes in between. */
export async function replace(key, value, isIt) {
  const store = (await opened).transaction('kept', 'readwrite').objectStore('kept');
  return new Promise((resolve, reject) => {
    const found = store.get(key);
    found.onerror = () => reject(found.error);
    found.onsuccess = () => {
      if (!isIt(found.result)) return resolve(false);
      const done = store.put(value, key);
      done.onerror = () => reject(done.error);
      done.onsuccess = () => resolve(true);
      return undefined;
    };
  });
}
