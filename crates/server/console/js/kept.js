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
export const put = (key, value) => act('readwrite', (store) => store.put(value, key));
export const remove = (key) => act('readwrite', (store) => store.delete(key));
