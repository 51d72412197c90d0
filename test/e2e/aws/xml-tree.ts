/** An element of the XML that AWS's query protocols write: children or text, never both. Attributes are kept as they stand. */
export interface XmlNode {
  readonly name: string;
  readonly attributes: string;
  children: XmlNode[];
  text: string;
}

/** Reads a document; what is not of that simple kind is an error. */
export function parseXml(document: string): XmlNode {
  const root: XmlNode = { name: '', attributes: '', children: [], text: '' };
  const open: XmlNode[] = [root];
  for (const [token] of document.replace(/<\?[\s\S]*?\?>|<!--[\s\S]*?-->/g, '').matchAll(/<[^>]*>|[^<]+/g)) {
    const top = open.at(-1) ?? root;
    if (!token.startsWith('<')) {
      if (token.trim() !== '') top.text += unescape(token);
      continue;
    }
    if (token.startsWith('</')) {
      if (open.pop()?.name !== token.slice(2, -1).trim()) throw new Error(`unexpected ${token} in ${document.slice(0, 200)}`);
      continue;
    }
    const [, name = '', attributes = ''] = /^<([\w:.-]+)([^>]*?)\/?>$/.exec(token) ?? [];
    const node: XmlNode = { name, attributes: attributes.trimEnd(), children: [], text: '' };
    top.children.push(node);
    if (!token.endsWith('/>')) open.push(node);
  }
  const [only] = root.children;
  if (open.length !== 1 || only === undefined || root.children.length !== 1) throw new Error(`no XML document: ${document.slice(0, 200)}`);
  return only;
}

export function writeXml({ name, attributes, children, text }: XmlNode): string {
  const content = children.length > 0 ? children.map(writeXml).join('') : escape(text);
  return content === '' ? `<${name}${attributes}/>` : `<${name}${attributes}>${content}</${name}>`;
}

/** The first node on a path of names below this one. */
export function at(node: XmlNode | undefined, ...path: readonly string[]): XmlNode | undefined {
  let found = node;
  for (const step of path) found = found?.children.find(({ name }) => name === step);
  return found;
}

export function textAt(node: XmlNode | undefined, ...path: readonly string[]): string {
  return at(node, ...path)?.text ?? '';
}

/** Sets the text of a child, which is made if there is none. */
export function setText(node: XmlNode, name: string, text: string): void {
  const child = at(node, name);
  if (child === undefined) node.children.push({ name, attributes: '', children: [], text });
  else child.text = text;
}

export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function unescape(text: string): string {
  const named: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(lt|gt|quot|apos|amp);|&#(\d+);|&#x([0-9a-fA-F]+);/g, (all, name: string, decimal: string, hex: string) =>
    name === undefined ? String.fromCodePoint(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal)) : (named[name] ?? all),
  );
}
