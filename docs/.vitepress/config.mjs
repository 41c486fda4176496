// The pages of docs/ as a site: `npm run site` builds it into build/site. Pages stay where they are, so that they read the same in a
// clone; the README is the first page.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, posix, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Groups of the side bar. A page that none of them names stands in the last one, so that none can be lost. */
const GROUPS = [
  ['Start', ['gallery', 'sessions', 'tutorial', 'advise', 'machines', 'plan', 'place']],
  ['Profile', ['systems', 'expertflow', 'predictors', 'schedulers', 'routing-variants', 'speculation', 'parallel', 'faults', 'workloads']],
  ['Describe', ['models', 'hardware', 'runtimes', 'memory', 'trace-formats', 'record-a-trace', 'synthetic-routing']],
  ['Compare and study', ['compare', 'ci', 'html-report', 'timeline', 'studies', 'search', 'scale', 'reproduce']],
  ['Trust', ['semantics', 'accuracy', 'measurements', 'audit', 'performance', 'security']],
  ['Extend', ['extend', 'add-a-policy', 'add-a-predictor', 'add-a-scheduler', 'add-a-trace-format', 'add-a-variant', 'library']],
];

const pages = readdirSync(resolve(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => name.slice(0, -'.md'.length));

/** The heading of a page as far as a colon, as its entry in the side bar. */
const title = (page) => /^# ([^:\n]+)/m.exec(readFileSync(resolve(root, 'docs', `${page}.md`), 'utf8'))[1].replaceAll('`', '');

const known = new Set(GROUPS.flatMap(([, names]) => names));
const sidebar = [...GROUPS, ['More', pages.filter((page) => !known.has(page))]].map(([text, names]) => ({
  text,
  items: names.filter((page) => pages.includes(page)).map((page) => ({ text: title(page), link: `/docs/${page}` })),
}));

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
  rewrites: { 'README.md': 'index.md' },
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
              outside = !isOfSite(env.relativePath === 'index.md' ? 'README.md' : env.relativePath, token.attrGet('href'));
              if (outside) [token.type, token.tag] = ['em_open', 'em'];
            } else if (token.type === 'link_close' && outside) [token.type, token.tag] = ['em_close', 'em'];
          }
        }
      });
    },
  },
});
