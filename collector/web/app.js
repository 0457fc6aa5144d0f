// app: who is logged in, which page is shown, and the frame around it.
import { h, show, say } from './dom.js';
import * as api from './api.js';
import * as live from './live.js';
import { alertsPage } from './alerts.js';
import { sitesPage, sitePage } from './sites.js';
import { hotspotsPage } from './hotspots.js';
import { taskingPage } from './tasking.js';
import { devicesPage } from './devices.js';

// Address, words, the API row that a person must be allowed, and the page.
const PAGES = [
  { path: 'alerts', name: 'Alerts', needs: 'GET /api/1/alerts', page: alertsPage },
  { path: 'sites', name: 'Sites', needs: 'GET /api/1/sites', page: (at) => (at.id ? sitePage(at) : sitesPage(at)) },
  { path: 'hotspots', name: 'Hotspots', needs: 'GET /api/1/hotspots', page: hotspotsPage },
  { path: 'tasking', name: 'Tasking', needs: 'GET /api/1/tasking', page: taskingPage },
  { path: 'devices', name: 'Devices', needs: 'GET /api/1/devices', page: devicesPage },
];

const $ = (id) => document.getElementById(id);
let who = null;
let leave = null; // undoes what the page at hand has begun
let shown = ''; // path of the page at hand
let open = 0; // alerts that nobody has acknowledged

const may = (needs) => who?.may.includes(needs) ?? false;

// ---- the frame ---------------------------------------------------------------------------------

function drawNav() {
  const links = PAGES.filter((p) => may(p.needs)).map((p) =>
    h('a', { href: `#/${p.path}`, 'aria-current': p.path === shown ? 'page' : null, 'data-key': p.path }, p.name,
      p.path === 'alerts' && open > 0
        ? h('span', { class: 'badge', 'aria-label': `${open} not acknowledged` }, open)
        : null));
  show($('nav'), links);
}

function drawFrame() {
  $('top').hidden = $('foot').hidden = who === null;
  if (!who) return;
  show($('who'),
    h('span', { id: 'live', class: 'live', title: 'Whether new alerts arrive by themselves' }, 'Connecting'),
    h('span', { class: 'name' }, who.name, h('small', null, who.role)),
    h('button', { class: 'plain-button', onclick: logout }, 'Log out'));
  $('live').hidden = !may('GET /api/1/stream');
}

export function setOpen(n) {
  open = n;
  document.title = n > 0 ? `(${n}) Moorwatch` : 'Moorwatch';
  drawNav();
}

// ---- logging in and out ------------------------------------------------------------------------

function drawLogin(text) {
  leave?.();
  leave = null;
  who = null;
  live.stop();
  drawFrame();
  const name = h('input', { id: 'name', name: 'username', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', required: true });
  const password = h('input', { id: 'password', name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const problem = h('p', { class: 'problem', role: 'alert' }, text ?? '');
  const button = h('button', { class: 'main-button' }, 'Log in');
  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    problem.textContent = '';
    try {
      who = await api.login(name.value.trim(), password.value);
      enter();
    } catch (error) {
      problem.textContent = error.message;
      password.value = '';
      password.focus();
    }
    button.disabled = false;
  }
  show($('main'), h('form', { class: 'login', onsubmit: submit },
    h('img', { src: '/icon.svg', alt: '', width: 48, height: 48 }),
    h('h1', null, 'Moorwatch'),
    h('p', { class: 'quiet' }, 'Speed surveys, alarmed locks and hotspots for rural policing around the Tees.'),
    h('label', { for: 'name' }, 'Name'), name,
    h('label', { for: 'password' }, 'Password'), password,
    problem, button,
    h('p', { class: 'quiet small' }, 'No login yet, or the password forgotten? An administrator can help.')));
  name.focus();
}

async function logout() {
  try {
    await api.post('logout');
  } catch { /* the login has ended in any case for this page */ }
  drawLogin('You are logged out.');
}

// ---- pages -------------------------------------------------------------------------------------

function address() {
  const [path = '', id = ''] = location.hash.replace(/^#\/?/, '').split('/');
  return { path, id: decodeURIComponent(id) };
}

async function draw() {
  if (!who) return;
  const at = address();
  const page = PAGES.find((p) => p.path === at.path && may(p.needs)) ?? PAGES.find((p) => may(p.needs));
  leave?.();
  leave = null;
  shown = page.path;
  drawNav();
  const main = $('main');
  main.className = page.path;
  show(main, h('p', { class: 'loading' }, 'Loading'));
  let gone = false;
  const undo = [];
  leave = () => { gone = true; undo.forEach((f) => f()); };
  try {
    await page.page({ main, id: at.id, may, setOpen, undo: (f) => undo.push(f), gone: () => gone });
  } catch (error) {
    if (!gone && who)
      show(main, h('div', { class: 'empty' }, h('h2', null, 'That did not work'), h('p', null, error.message),
        h('button', { class: 'main-button', onclick: draw }, 'Try again')));
  }
}

function enter() {
  drawFrame();
  if (may('GET /api/1/stream')) live.start();
  draw();
}

live.on('state', (up) => {
  const node = $('live');
  if (!node) return;
  node.textContent = up ? 'Live' : 'Reconnecting';
  node.classList.toggle('up', up);
});
live.on('refused', async () => {
  try {
    who = await api.me();
    live.start();
  } catch (error) {
    if (error.status !== 401) live.start();
  }
});
live.on('alert', ({ ring, alert }) => {
  if (ring) say(`New alert: ${alert.title}`);
});

api.whenLoginNeeded(() => { if (who) drawLogin('Your login has ended. Log in again.'); });
addEventListener('hashchange', () => { draw(); $('main').focus({ preventScroll: true }); scrollTo(0, 0); });

api.me().then((me) => { who = me; enter(); }, (error) => drawLogin(error.status === 401 ? '' : error.message));
