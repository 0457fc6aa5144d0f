// dom: elements from data. Text only ever goes in as text, so nothing that a device, a name or a
// note says can become part of the page.

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, props, children) {
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? '' : String(value));
  }
  for (const child of children.flat(Infinity))
    if (child !== null && child !== undefined && child !== false)
      node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  return node;
}

export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

// Replaces what a node holds, and puts the focus back on the element with the same data-key.
export function show(node, ...children) {
  const key = node.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  node.replaceChildren();
  fill(node, null, children);
  if (key) node.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
  return node;
}

// Tells people who do not see the page.
export function say(text) {
  document.getElementById('say').textContent = text;
}

export function empty(title, text, ...more) {
  return h('div', { class: 'empty' }, h('h2', null, title), h('p', null, text), more);
}

export function chip(text, kind) {
  return h('span', { class: `chip ${kind ?? ''}` }, text);
}
