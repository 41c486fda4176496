// The pages of docs/ as a site: `npm run site` builds it into build/site. Pages stay where they are, so that they read the same in a
// clone; docs/front/index.md is the first page.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Parts of the side bar, with the pages of each. A page that none of them names stands in the last one, so that none can be lost. */
const PARTS = [
  ['Start', ['idea', 'tutorial', 'gallery', 'advise']],
  ['How to', ['machines', 'record', 'plan', 'report', 'studies', 'ci', 'extend']],
  [
    'Reference',
    ['models', 'trace-formats', 'systems', 'predictors', 'workloads', 'parallel', 'speculation', 'routing', 'measurements', 'security'],
  ],
  ['Explanation', ['semantics', 'accuracy', 'memory', 'reproduce', 'expertflow', 'architecture', 'limits']],
];

const pages = readdirSync(resolve(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => name.slice(0, -'.md'.length));

/** The heading of a page as far as a colon, as its entry in the side bar. */
const title = (page) => /^# ([^:\n]+)/m.exec(readFileSync(resolve(root, 'docs', `${page}.md`), 'utf8'))[1].replaceAll('`', '');

const known = new Set(PARTS.flatMap(([, names]) => names));
const rest = pages.filter((page) => !known.has(page));
const sidebar = [...PARTS, ...(rest.length > 0 ? [['More', rest]] : [])].map(([text, names]) => ({
  text,
  items: names.filter((page) => pages.includes(page)).map((page) => ({ text: title(page), link: `/docs/${page}` })),
}));

// The page that computes in a browser, which `scripts/site.mjs` writes.
sidebar[0].items.push({ text: 'In a browser', link: '/play/index.html', target: '_self' });

/** Pages that the site has at another place than the repository; links of the first are as it stands there. */
const MOVED = { 'docs/front/index.md': 'index.md', 'README.md': 'readme.md' };

/** Whether a link leads to a page or picture of the site. Files of the repository beside them have no page: their names stay, as text. */
function isOfSite(page, href) {
  if (/^(?:[a-z]+:|#)/.test(href)) return true;
  const target = posix.join(posix.dirname(page), href.replace(/#.*/, ''));
  return (
    /^(?:docs\/[^/]+\.md|README\.md|CHANGELOG\.md|CONTRIBUTING\.md|docs\/images\/.*)$/.test(target) && existsSync(resolve(root, target))
  );
}

export default defineConfig({
  title: 'moeprof',
  description: 'What will expert offloading cost me, and what would make it cheaper?',
  srcDir: root,
  outDir: resolve(root, 'build/site'),
  cacheDir: resolve(root, 'build/site-cache'),
  // Only pages of this repository: no folder beside them is looked into.
  srcExclude: ['{node_modules,dist,build,test,src,profiles,recorders,bench,examples,scripts,.github,.ci}/**'],
  rewrites: MOVED,
  themeConfig: { sidebar, search: { provider: 'local' }, outline: 'deep' },
  markdown: {
    config(md) {
      // A block that is indented by four looks like any other block of code.
      md.core.ruler.push('indented-code', ({ tokens }) => {
        for (const token of tokens) if (token.type === 'code_block') [token.type, token.tag, token.info] = ['fence', 'code', 'text'];
      });
      // Vite takes a picture without a leading dot for a package.
      md.core.ruler.push('pictures', ({ tokens }) => {
        for (const token of tokens.flatMap((token) => [token, ...(token.children ?? [])]))
          if (token.type.startsWith('html_')) token.content = token.content.replaceAll(/src="(?![./]|https?:)/g, 'src="./');
      });
      md.core.ruler.push('links-of-the-repository', ({ env, tokens }) => {
        for (const { children } of tokens) {
          let outside = false;
          for (const token of children ?? []) {
            if (token.type === 'link_open') {
              outside = !isOfSite(env.relativePath === 'readme.md' ? 'README.md' : env.relativePath, token.attrGet('href'));
              if (outside) [token.type, token.tag] = ['em_open', 'em'];
            } else if (token.type === 'link_close' && outside) [token.type, token.tag] = ['em_close', 'em'];
          }
        }
      });
    },
  },
});
