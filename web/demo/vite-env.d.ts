/** What Vite can import beside modules: style sheets. */
declare module '*.css';
