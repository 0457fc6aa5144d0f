// api: the collector's HTTP API. Every failure is an Error with words for people.

let csrf = '';
let onLoginNeeded = () => {};

export function whenLoginNeeded(f) {
  onLoginNeeded = f;
}

async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(`/api/1/${path}`, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json', 'X-Moorwatch-Csrf': csrf },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Error('The collector does not answer. Check the network; this page tries again by itself.');
  }
  const json = await response.json().catch(() => null);
  if (response.ok && json) return json;
  if (response.status === 401 && path !== 'login') onLoginNeeded();
  const error = new Error(json?.error?.message ?? `The collector answered with ${response.status}.`);
  error.status = response.status;
  error.code = json?.error?.code;
  throw error;
}

export const get = (path) => ask('GET', path);
export const post = (path, body) => ask('POST', path, body ?? {});

export async function login(name, password) {
  const me = await post('login', { name, password });
  csrf = me.csrf;
  return me;
}

export async function me() {
  const who = await get('me');
  csrf = who.csrf;
  return who;
}
