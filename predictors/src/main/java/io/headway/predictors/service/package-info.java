/**
 * Service and waiting time: how long a request runs once it has started, and how long it waits
 * before.
 */
@NullMarked
package io.headway.predictors.service;

import org.jspecify.annotations.NullMarked;
