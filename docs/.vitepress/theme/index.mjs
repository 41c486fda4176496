// VitePress's own theme, with code as small as a terminal of 80 columns takes.
import theme from 'vitepress/theme';
import './front.css';
import './narrow-code.css';

export default theme;
