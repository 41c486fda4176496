# moeprof as an image: docker build -t moeprof . && docker run --rm -v "$PWD:/work" moeprof run my-run.yaml
FROM node:22-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run --silent build && npm pack --silent && mkdir /app && tar -xzf moeprof-*.tgz --strip-components=1 -C /app
# With what the package leaves out, such as queues, all in the versions of the lock file.
RUN npm install --package-lock-only --save-prod --ignore-scripts --no-audit --no-fund \
    $(node -p 'Object.entries(require("./package.json").peerDependencies).map((one) => one.join("@")).join(" ")') \
  && cp package.json package-lock.json /app/

FROM node:22-slim
COPY --from=build /app /app
RUN cd /app && npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force && ln -s /app/bin/moeprof.js /usr/local/bin/moeprof
USER node
WORKDIR /work
ENTRYPOINT ["moeprof"]
CMD ["--help"]
