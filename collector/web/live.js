// live: the stream of server-sent events, and whether it stands.

let source = null;
let retry = null;
const listeners = new Map();

export function on(name, f) {
  if (!listeners.has(name)) listeners.set(name, new Set());
  listeners.get(name).add(f);
  return () => listeners.get(name).delete(f);
}

function tell(name, data) {
  for (const f of listeners.get(name) ?? []) f(data);
}

export function start() {
  stop();
  source = new EventSource('/api/1/stream');
  source.onopen = () => tell('state', true);
  source.onerror = () => {
    tell('state', false);
    // The browser comes back by itself unless it was refused: then ask who we are.
    if (source?.readyState === EventSource.CLOSED) {
      stop();
      retry = setTimeout(() => tell('refused'), 5000);
    }
  };
  for (const name of ['alert', 'counters', 'resync'])
    source.addEventListener(name, (event) => tell(name, JSON.parse(event.data)));
}

export function stop() {
  clearTimeout(retry);
  source?.close();
  source = null;
}
