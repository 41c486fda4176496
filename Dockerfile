# moeprof as an image: docker build -t moeprof . && docker run --rm -v "$PWD:/work" moeprof run my-run.yaml
# By digest, for all platforms; docker buildx imagetools inspect node:22-slim shows today's.
FROM node:22-slim@sha256:83f487e0a63425e5b4d146fb5e5be574bcbe1b7b843d3ebafdd95eaf7767a7e5 AS base

FROM base AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run --silent build && npm pack --silent && mkdir /app && tar -xzf moeprof-*.tgz --strip-components=1 -C /app
# With what the package leaves out, such as queues, all in the versions of the lock file.
RUN npm install --package-lock-only --save-prod --ignore-scripts --no-audit --no-fund \
    $(node -p 'Object.entries(require("./package.json").peerDependencies).map((one) => one.join("@")).join(" ")') \
  && cp package.json package-lock.json /app/

FROM base
COPY --from=build /app /app
RUN cd /app && npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force && ln -s /app/bin/moeprof.js /usr/local/bin/moeprof
USER node
WORKDIR /work
ENTRYPOINT ["moeprof"]
CMD ["--help"]
