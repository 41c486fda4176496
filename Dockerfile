# moeprof as an image: docker build -t moeprof . && docker run --rm -v "$PWD:/work" moeprof run my-run.yaml
FROM node:22-slim AS build
WORKDIR /src
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm pack --silent && mv moeprof-*.tgz /moeprof.tgz

FROM node:22-slim
ENV ONNXRUNTIME_NODE_INSTALL=skip
COPY --from=build /moeprof.tgz /tmp/moeprof.tgz
RUN npm install --global --no-audit --no-fund /tmp/moeprof.tgz && rm /tmp/moeprof.tgz && npm cache clean --force
USER node
WORKDIR /work
ENTRYPOINT ["moeprof"]
CMD ["--help"]
