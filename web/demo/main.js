/** Starts the page: the state, what can be done with it, and the panels that show it. */
import { createAppStore } from './app/state.js';
import { Evaluator } from './app/evaluator.js';
import { MainThreadWatch } from './app/main-thread-watch.js';
import { Session } from './app/session.js';
import { Trainer } from './app/trainer.js';
import { mountAnswers } from './panels/answers-panel.js';
import { mountControls } from './panels/controls-panel.js';
import { mountData } from './panels/data-panel.js';
import { mountDrops } from './panels/drops.js';
import { mountEngine } from './panels/engine-panel.js';
import { mountFolder } from './panels/folder-panel.js';
import { mountLive } from './panels/live-panel.js';
import { mountModel } from './panels/model-panel.js';
import { mountOwnImage } from './panels/own-image-panel.js';
import { mountProblemBar } from './panels/problem-bar.js';
import { mountResults } from './panels/results-panel.js';
import { mountSettings } from './panels/settings-panel.js';

const store = createAppStore();
const session = new Session(store);
const evaluator = new Evaluator(session);
const watch = new MainThreadWatch();
const trainer = new Trainer(session, evaluator, watch);

mountProblemBar(store);
mountControls(store, trainer, evaluator);
mountSettings(store, session);
mountData(store, session);
mountFolder(store, session);
mountLive(store, session);
mountAnswers(store, session, evaluator);
mountResults(store);
const ownImage = mountOwnImage(store, session, evaluator);
mountDrops(store, session, ownImage);
mountModel(store, evaluator);
mountEngine(store, session, watch);

await session.start();
